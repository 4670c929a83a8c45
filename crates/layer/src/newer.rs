//! How large the structures on `VkDeviceCreateInfo` are that the bindings do not know yet.
//!
//! All of them are a head and words of 32 bits. Without them, an application that asks for a new
//! feature before one of ours would hand ours to the driver, which may refuse what it lacks.
//!
//! # References
//!
//! `vk.xml` of Vulkan 1.4.363: structures with `structextends="VkDeviceCreateInfo"`.

use ash::vk;

/// `sType`, and how many words follow the head.
const WORDS: &[(i32, usize)] = &[
    (55, 21),            // PhysicalDeviceVulkan14Features
    (1_000_133_000, 4),  // PhysicalDeviceGpaFeaturesAMD
    (1_000_135_009, 2),  // PhysicalDeviceDescriptorHeapFeaturesEXT
    (1_000_141_000, 3),  // PhysicalDeviceShaderBfloat16FeaturesKHR
    (1_000_172_000, 1),  // PhysicalDeviceCooperativeMatrixConversionFeaturesQCOM
    (1_000_173_000, 1),  // PhysicalDeviceElapsedTimerQueryFeaturesQCOM
    (1_000_208_000, 3),  // PhysicalDevicePresentTimingFeaturesEXT
    (1_000_231_000, 1),  // PhysicalDeviceShaderConstantDataFeaturesKHR
    (1_000_233_000, 1),  // PhysicalDeviceShaderAbortFeaturesKHR
    (1_000_240_000, 1),  // PhysicalDeviceDedicatedAllocationImageAliasingFeaturesNV
    (1_000_288_000, 1),  // PhysicalDeviceTextureCompressionASTC3DFeaturesEXT
    (1_000_302_001, 1),  // PhysicalDeviceQueuePerfHintFeaturesQCOM
    (1_000_303_000, 3),  // PhysicalDeviceImageProcessing3FeaturesQCOM
    (1_000_304_000, 1),  // PhysicalDeviceShaderMultipleWaitQueuesFeaturesQCOM
    (1_000_305_000, 1),  // PhysicalDeviceShaderSplitBarrierFeaturesEXT
    (1_000_309_000, 14), // PhysicalDeviceTileShadingFeaturesQCOM
    (1_000_318_006, 1),  // PhysicalDeviceDeviceAddressCommandsFeaturesKHR
    (1_000_321_000, 1),  // PhysicalDeviceShaderEarlyAndLateFragmentTestsFeaturesAMD
    (1_000_323_000, 1),  // PhysicalDeviceShaderSubgroupUniformControlFlowFeaturesKHR
    (1_000_342_000, 3),  // PhysicalDeviceRasterizationOrderAttachmentAccessFeaturesEXT
    (1_000_361_000, 1),  // PhysicalDevicePresentModeFifoLatestReadyFeaturesKHR
    (1_000_376_000, 1),  // PhysicalDeviceMultisampledRenderToSingleSampledFeaturesEXT
    (1_000_387_000, 1),  // PhysicalDeviceShaderUntypedPointersFeaturesKHR
    (1_000_390_000, 1),  // PhysicalDeviceVideoEncodeRgbConversionFeaturesVALVE
    (1_000_429_008, 2),  // PhysicalDeviceRayTracingLinearSweptSpheresFeaturesNV
    (1_000_437_000, 1),  // PhysicalDeviceImageCompressionControlSwapchainFeaturesEXT
    (1_000_460_009, 6),  // PhysicalDeviceTensorFeaturesARM
    (1_000_460_018, 1),  // PhysicalDeviceDescriptorBufferTensorFeaturesARM
    (1_000_476_000, 1),  // PhysicalDeviceAntiLagFeaturesAMD
    (1_000_478_000, 1),  // PhysicalDeviceDenseGeometryFormatFeaturesAMDX
    (1_000_479_002, 1),  // PhysicalDevicePresentId2FeaturesKHR
    (1_000_480_001, 1),  // PhysicalDevicePresentWait2FeaturesKHR
    (1_000_483_000, 1),  // PhysicalDevicePipelineBinaryFeaturesKHR
    (1_000_483_008, 1),  // DevicePipelineBinaryInternalCacheControlKHR
    (1_000_491_000, 2),  // PhysicalDeviceCooperativeVectorFeaturesNV
    (1_000_495_000, 1),  // PhysicalDeviceLegacyVertexAttributesFeaturesEXT
    (1_000_499_000, 1),  // PhysicalDeviceDynamicRenderingUnusedAttachmentsFeaturesEXT
    (1_000_504_000, 1),  // PhysicalDeviceInternallySynchronizedQueuesFeaturesKHR
    (1_000_507_006, 5),  // PhysicalDeviceDataGraphFeaturesARM
    (1_000_513_004, 1),  // PhysicalDeviceVideoEncodeAV1FeaturesKHR
    (1_000_514_000, 1),  // PhysicalDeviceVideoDecodeVP9FeaturesKHR
    (1_000_524_000, 1),  // PhysicalDeviceAttachmentFeedbackLoopDynamicStateFeaturesEXT
    (1_000_527_000, 2),  // PhysicalDeviceUnifiedImageLayoutsFeaturesKHR
    (1_000_547_000, 1),  // PhysicalDeviceTileMemoryHeapFeaturesQCOM
    (1_000_549_000, 2),  // PhysicalDeviceCopyMemoryIndirectFeaturesKHR
    (1_000_552_004, 1),  // PhysicalDeviceVideoEncodeIntraRefreshFeaturesKHR
    (1_000_553_009, 1),  // PhysicalDeviceVideoEncodeQuantizationMapFeaturesKHR
    (1_000_556_000, 1),  // ExternalComputeQueueDeviceCreateInfoNV
    (1_000_558_000, 1),  // PhysicalDeviceShaderRelaxedExtendedInstructionFeaturesKHR
    (1_000_559_000, 1),  // PhysicalDeviceCommandBufferInheritanceFeaturesNV
    (1_000_562_000, 1),  // PhysicalDeviceMaintenance7FeaturesKHR
    (1_000_564_000, 1),  // PhysicalDeviceShaderReplicatedCompositesFeaturesEXT
    (1_000_567_000, 2),  // PhysicalDeviceShaderFloat8FeaturesEXT
    (1_000_569_000, 1),  // PhysicalDeviceClusterAccelerationStructureFeaturesNV
    (1_000_570_000, 1),  // PhysicalDevicePartitionedAccelerationStructureFeaturesNV
    (1_000_572_000, 2),  // PhysicalDeviceDeviceGeneratedCommandsFeaturesEXT
    (1_000_573_000, 4),  // PhysicalDeviceFaultFeaturesKHR
    (1_000_574_000, 1),  // PhysicalDeviceMaintenance8FeaturesKHR
    (1_000_575_000, 1),  // PhysicalDeviceImageAlignmentControlFeaturesMESA
    (1_000_579_000, 3),  // PhysicalDeviceShaderFmaFeaturesKHR
    (1_000_580_001, 1),  // PhysicalDevicePushConstantBankFeaturesNV
    (1_000_581_000, 1),  // PhysicalDeviceRayTracingInvocationReorderFeaturesEXT
    (1_000_582_000, 1),  // PhysicalDeviceDepthClampControlFeaturesEXT
    (1_000_584_000, 1),  // PhysicalDeviceMaintenance9FeaturesKHR
    (1_000_586_000, 1),  // PhysicalDeviceVideoMaintenance2FeaturesKHR
    (1_000_590_000, 1),  // PhysicalDeviceHdrVividFeaturesHUAWEI
    (1_000_593_000, 7),  // PhysicalDeviceCooperativeMatrix2FeaturesNV
    (1_000_596_000, 1),  // PhysicalDevicePipelineOpacityMicromapFeaturesARM
    (1_000_598_000, 1),  // PhysicalDeviceVideoEncodeFeedback2FeaturesKHR
    (1_000_605_000, 1),  // PhysicalDevicePerformanceCountersByRegionFeaturesARM
    (1_000_607_000, 1),  // PhysicalDeviceShaderInstrumentationFeaturesARM
    (1_000_608_000, 1),  // PhysicalDeviceVertexAttributeRobustnessFeaturesEXT
    (1_000_609_000, 1),  // PhysicalDeviceFormatPackFeaturesARM
    (1_000_611_000, 1),  // PhysicalDeviceFragmentDensityMapLayeredFeaturesVALVE
    (1_000_613_001, 1),  // PhysicalDevicePresentMeteringFeaturesNV
    (1_000_616_000, 1),  // PhysicalDeviceMultisampledRenderToSwapchainFeaturesEXT
    (1_000_620_000, 1),  // PhysicalDeviceZeroInitializeDeviceMemoryFeaturesEXT
    (1_000_623_000, 1),  // PhysicalDeviceOpacityMicromapFeaturesKHR
    (1_000_627_000, 1),  // PhysicalDeviceShader64BitIndexingFeaturesEXT
    (1_000_628_000, 1),  // PhysicalDeviceCustomResolveFeaturesEXT
    (1_000_629_000, 1),  // PhysicalDeviceDataGraphModelFeaturesQCOM
    (1_000_630_000, 1),  // PhysicalDeviceMaintenance10FeaturesKHR
    (1_000_631_000, 1),  // PhysicalDeviceDataGraphOpticalFlowFeaturesARM
    (1_000_635_000, 1),  // PhysicalDeviceShaderLongVectorFeaturesEXT
    (1_000_637_000, 1),  // PhysicalDevicePipelineCacheIncrementalModeFeaturesSEC
    (1_000_642_000, 1),  // PhysicalDeviceShaderUniformBufferUnsizedArrayFeaturesEXT
    (1_000_645_001, 1),  // PhysicalDeviceComputeOccupancyPriorityFeaturesNV
    (1_000_657_000, 1),  // PhysicalDeviceMaintenance11FeaturesKHR
    (1_000_659_000, 5),  // PhysicalDeviceCooperativeMatrixMaintenance1FeaturesEXT
    (1_000_662_000, 1),  // PhysicalDeviceShaderSubgroupPartitionedFeaturesEXT
    (1_000_668_004, 1),  // PhysicalDeviceExtendedFlagsFeaturesKHR
    (1_000_672_000, 4),  // PhysicalDeviceShaderOCPMicroscalingTypesFeaturesEXT
    (1_000_673_000, 4),  // PhysicalDeviceShaderMixedFloatDotProductFeaturesVALVE
    (1_000_674_000, 1),  // PhysicalDeviceThrottleHintFeaturesSEC
    (1_000_676_002, 1),  // PhysicalDeviceDataGraphNeuralAcceleratorStatisticsFeaturesARM
    (1_000_678_000, 1),  // PhysicalDevicePrimitiveRestartIndexFeaturesEXT
    (1_000_687_000, 1),  // PhysicalDeviceImageTilingControlFeaturesEXT
    (1_000_689_000, 1),  // PhysicalDeviceCooperativeMatrixDecodeVectorFeaturesNV
    (1_000_707_000, 1),  // PhysicalDevicePrivateDataBaseHandleFeaturesNV
    (1_000_709_000, 1),  // PhysicalDeviceBufferDeviceAddressAllocationAlignmentFeaturesVALVE
];

/// The size in bytes of the structure that says `kind`. `None`: newer than this list, too.
pub(crate) fn size_of_kind(kind: vk::StructureType) -> Option<usize> {
    let words = WORDS.iter().find(|(known, _)| *known == kind.as_raw())?.1;
    let bytes = size_of::<vk::BaseInStructure<'_>>() + words * size_of::<vk::Bool32>();
    Some(bytes.next_multiple_of(align_of::<vk::BaseInStructure<'_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_structure_is_as_large_as_the_header_says_on_64_bits() {
        let size = |raw| size_of_kind(vk::StructureType::from_raw(raw));
        assert_eq!(size(55), Some(104), "VkPhysicalDeviceVulkan14Features");
        assert_eq!(size(1_000_342_000), Some(32), "three features");
        assert_eq!(size(1_000_562_000), Some(24), "one feature");
        assert_eq!(size(i32::MAX), None);
    }

    #[test]
    fn no_structure_is_listed_twice() {
        assert!(WORDS.is_sorted_by(|one, next| one.0 < next.0));
    }
}
