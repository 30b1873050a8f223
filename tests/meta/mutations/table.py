"""What is wrong in each mutation, how little of it is noticed, and by which check of the default suite.

A mutation is a function of its name in `keras3_network` or `keras3_training` and in `pytorch_network` or
`pytorch_training`, one for both in `of_models`, or one in `harness_code` where both frameworks share the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

PIXELS: Final = "tests/conformance/test_model_pixels.py::test_pixels_are_the_references[{}-unit-range-48x1]"
RESIZING: Final = "tests/conformance/test_model_pixels.py::test_without_a_warp_pixels_are_bilinear_resizing[{}-%s]"
LAYERS: Final = "tests/conformance/test_detection_layers.py::test_every_layer_computes_what_its_kind_says[{}-inference-%s]"
STEPS: Final = "tests/conformance/test_detection_steps.py::%s[{}]"
MODEL: Final = "tests/conformance/test_model.py::%s"
PHASES: Final = "tests/conformance/test_phases.py::%s"
VGG16, RESNET50, FINE_TUNE = "vgg16-scratch", "resnet50-scratch", "vgg16-fine-tune"


@dataclass(frozen=True)
class Mutation:
    """One error.

    Attributes:
        name: Of the function that makes it.
        part: What of the code it spoils.
        what: In words; `{}` stands for the size.
        check: Node id of the test that notices it; `{}` stands for the framework.
        sizes: From the size that the words are about down to the smallest that is noticed; empty where an error
            has no size.
        unnoticed: The next smaller size that was tried, which is not noticed.
        keeps_models: Whether models that were built before the patch are subject to it: they are not compiled again.
    """

    name: str
    part: Literal["pixels", "layers", "norms", "dropout", "loss", "optimizer", "loop", "data"]
    what: str
    check: str
    sizes: tuple[float, ...] = ()
    unnoticed: float | None = None
    keeps_models: bool = False


OF_FRAMEWORKS: Final = (
    Mutation("channels_swapped", "pixels", "RGB means for BGR channels", RESIZING % "caffe-48x3"),
    Mutation("mean_not_scaled", "pixels", "means of [0, 1] taken off 0..255", RESIZING % "imagenet-48x3"),
    Mutation("channel_missing", "pixels", "one of three channels zero", RESIZING % "imagenet-48x3"),
    Mutation("pixels_shifted", "pixels", "grid off by {} source pixels", RESIZING % "unit-range-48x1", (0.5, 1e-3, 1e-5)),
    Mutation("nearest_neighbour", "pixels", "nearest for bilinear", RESIZING % "unit-range-224x3"),
    Mutation("shifts_exchanged", "pixels", "height shift moves columns, width shift rows", PIXELS),
    Mutation("maps_ignored", "pixels", "no augmentation", PIXELS),
    Mutation("maps_rounded", "pixels", "maps in bfloat16", PIXELS),
    Mutation("stride_on_the_3x3", "layers", "ResNet50's stride on the 3×3 (version 1.5)", LAYERS % RESNET50),
    Mutation("padding_asymmetric", "layers", "first border 2 and 4 for 3 and 3", LAYERS % RESNET50),
    Mutation("flattened_channels_first", "layers", "NHWC flattened as NCHW", LAYERS % VGG16),
    Mutation("bias_dropped", "layers", "a share of {} of one dense bias dropped", LAYERS % VGG16, (1.0, 1e-2, 1e-4)),
    Mutation("relu_missing", "layers", "no ReLU after one dense layer", LAYERS % VGG16),
    Mutation("relu_leaky", "layers", "ReLU with slope {} below 0", LAYERS % VGG16, (0.1, 1e-3, 1e-5)),
    Mutation("average_pooling", "layers", "average for max pooling", LAYERS % VGG16),
    Mutation("global_max_pooling", "layers", "global max for average pooling", LAYERS % RESNET50),
    Mutation("shortcut_missing", "layers", "residuals without their shortcut", LAYERS % RESNET50),
    Mutation("softmax_twice", "layers", "logits already softmaxed", LAYERS % VGG16),
    Mutation("outputs_rotated", "layers", "order of the seven outputs permuted", LAYERS % VGG16),
    Mutation("one_nan", "layers", "the largest value of one layer NaN", LAYERS % VGG16),
    Mutation("base_epsilon", "norms", "ε = {} for 1.001e-5 in the base", LAYERS % RESNET50, (1e-3, 1e-4, 2e-5)),
    Mutation("head_epsilon", "norms", "ε = {} for 1e-3 in the head", LAYERS % FINE_TUNE, (1e-5, 9e-4, 9.9e-4)),
    Mutation(
        "momentum", "norms", "momentum {} for 0.99", STEPS % "test_norms_keep_the_biased_statistics_of_the_batch",
        (0.01, 0.9899),
    ),
    Mutation(
        "variance_unbiased", "norms", "running variance over n - 1",
        STEPS % "test_norms_keep_the_biased_statistics_of_the_batch",
    ),
    Mutation("batch_statistics_at_evaluation", "norms", "the batch's own statistics at evaluation", LAYERS % RESNET50),
    Mutation(
        "frozen_norms_move", "norms", "frozen norms in training mode",
        PHASES % "test_frozen_norms_stay_in_inference_mode[{}-head]",
    ),
    Mutation(
        "dropout_at_evaluation", "dropout", "dropout at evaluation", MODEL % "test_dropout_drops_in_training_alone[{}]"
    ),
    Mutation(
        "dropout_rate", "dropout", "rate {} for 0.5", MODEL % "test_dropout_drops_in_training_alone[{}]",
        (0.25, 0.49, 0.4999),
    ),
    Mutation(
        "dropout_not_rescaled", "dropout", "what is kept not scaled up",
        MODEL % "test_dropout_drops_in_training_alone[{}]",
    ),
    Mutation(
        "divided_by_sum_of_weights", "loss", "weighted loss divided by Σw",
        STEPS % "test_the_last_layers_gradient_is_that_of_the_weighted_cross_entropy",
    ),
    Mutation(
        "labels_smoothed", "loss", "labels smoothed by {}",
        STEPS % "test_the_last_layers_gradient_is_that_of_the_weighted_cross_entropy", (0.1, 1e-3, 1e-4),
    ),
    Mutation("epsilon_inside", "optimizer", "Adam's ε inside the bias correction", STEPS % "test_the_optimizer_is_kerass_adam"),
    Mutation("epsilon", "optimizer", "Adam's ε × {}", STEPS % "test_the_optimizer_is_kerass_adam", (0.1, 1.01, 1.001)),
    Mutation("beta_2", "optimizer", "β₂ = {} for 0.999", STEPS % "test_the_optimizer_is_kerass_adam", (0.99, 0.9989, 0.99899)),
    Mutation("weight_decay", "optimizer", "weight decay {}", STEPS % "test_the_optimizer_is_kerass_adam", (1e-2, 1e-4, 1e-6)),
    Mutation(
        "learning_rate", "optimizer", "learning rate × {}", STEPS % "test_the_first_step_is_the_learning_rate",
        (1.01, 1.001, 1.0001), keeps_models=True,
    ),
    Mutation(
        "moments_kept", "optimizer", "moments kept from phase to phase",
        MODEL % "test_a_new_phase_starts_a_new_optimizer[{}]", keeps_models=True,
    ),
    Mutation(
        "frozen_layers_train", "optimizer", "frozen layers trained",
        PHASES % "test_a_phase_trains_what_it_names_and_nothing_else[{}-vgg16-transfer@frozen]",
    ),
    Mutation(
        "class_weights_ignored", "loop", "class weights ignored in training",
        MODEL % "test_totals_are_those_of_the_logits[{}-vgg16-scratch]", keeps_models=True,
    ),
    Mutation(
        "labels_rotated", "loop", "order of labels permuted in training",
        MODEL % "test_totals_are_those_of_the_logits[{}-vgg16-scratch]", keeps_models=True,
    ),
    Mutation(
        "last_batch_dropped", "loop", "last smaller batch dropped", MODEL % "test_a_last_smaller_batch_trains[{}]",
        keeps_models=True,
    ),
    Mutation(
        "batches_reversed", "loop", "batches of a slice in reverse",
        MODEL % "test_slices_equal_one_call_to_the_bit[{}-vgg16-scratch]", keeps_models=True,
    ),
    Mutation(
        "nan_hidden", "loop", "a loss that is NaN reported as 0",
        MODEL % "test_a_loss_that_is_not_a_number_shows[{}]", keeps_models=True,
    ),
    Mutation(
        "evaluation_augmented", "loop", "evaluation on pixels shifted by {}",
        MODEL % "test_logits_are_the_last_activation[{}-vgg16-scratch]", (1.0, 1e-2, 1e-3), keeps_models=True,
    ),
)  # fmt: skip

OF_THE_HARNESS: Final = (
    Mutation("shared_last_batch_dropped", "data", "last smaller batch dropped", "tests/unit/test_batches.py::test_the_last_smaller_batch_is_kept"),
    Mutation("shared_labels_rotated", "data", "order of labels permuted", "tests/unit/test_batches.py::test_a_row_brings_its_own_picture_label_map_and_weight"),
    Mutation("csv_labels_taken_as_they_are", "data", "the csv's order of labels taken for ours", "tests/unit/test_fer2013_csv.py::test_labels_are_mapped_by_name"),
    Mutation("same_order_every_epoch", "data", "one order of examples for all epochs", "tests/unit/test_batches.py::test_seed_and_epoch_alone_decide_the_order"),
    Mutation("same_maps_every_epoch", "data", "one augmentation for all epochs", "tests/unit/test_augment.py::test_epochs_seeds_and_rows_differ[augmentation0]"),
    Mutation("evaluation_on_augmented_pixels", "data", "evaluation on augmented pixels", "tests/unit/test_batches.py::test_plain_batches_keep_the_order"),
    Mutation("reference_pixels_shifted", "pixels", "the reference's grid off by {} source pixels", "tests/unit/test_pixels.py::test_grid_is_even_and_centred", (0.5, 1e-3, 1e-6)),
    Mutation("tests_leaked", "data", "{} test images in training", "tests/unit/test_fit.py::test_an_uncapped_plan_takes_everything", (40, 1)),
    Mutation("twins_divided", "data", "identical images on both sides of the honest split", "tests/unit/test_splits.py::test_the_honest_split_divides_training_by_groups"),
    Mutation("shared_class_weights_ignored", "loop", "class weights ignored", "tests/unit/test_fit.py::test_class_weights_are_of_the_rows_that_train"),
    Mutation("class_weights_scaled", "loop", "balanced class weights × {}", "tests/unit/test_splits.py::test_balanced_weights_are_those_of_scikit_learn_with_mean_one", (1 / 7, 1.01, 1.0001)),
    Mutation("scheduled_learning_rate", "loop", "the schedule's learning rate × {}", "tests/unit/test_fit.py::test_the_plateau_rule_changes_the_learning_rate", (1.01, 1.001, 1.0000001)),
    Mutation("plateau_an_epoch_late", "loop", "learning rate lowered an epoch late", "tests/unit/test_fit.py::test_the_plateau_rule_changes_the_learning_rate"),
    Mutation("divergence_unnoticed", "loop", "losses not checked for NaN", "tests/unit/test_fit.py::test_divergence_names_epoch_and_step[3-1-4-nan]"),
    Mutation("spoilt_logits_unnoticed", "loop", "logits not checked for NaN", "tests/unit/test_fit.py::test_weights_spoilt_by_the_last_step_are_noticed[paper]"),
    Mutation("confusion_transposed", "loop", "confusion matrix transposed", "tests/unit/test_metrics.py::test_three_images_by_hand"),
)  # fmt: skip
