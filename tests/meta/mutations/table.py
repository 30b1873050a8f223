"""What is wrong in each mutation, how little of it is noticed, and by which check of the default suite.

A mutation is a function of its name: in `keras3_network` or `keras3_training` and in `pytorch_network` or
`pytorch_training`; in `of_models`, for both; or in `harness_code`, where both frameworks share the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Part = Literal["pixels", "layers", "norms", "dropout", "loss", "optimizer", "loop", "data"]


@dataclass(frozen=True)
class Mutation:
    """One error.

    Attributes:
        name: Of the function that makes it.
        part: What of the code it spoils.
        what: In words; `{}` stands for the size.
        check: Node id under `tests` of the test that notices it; `{}` stands for the framework.
        sizes: From the usual one down to the smallest that is noticed; empty where an error has no size.
        unnoticed: The next smaller one that was tried, which is not noticed.
        keeps_models: Whether models that were built before the patch feel it: they need not be compiled again.
    """

    name: str
    part: Part
    what: str
    check: str
    sizes: tuple[float, ...] = ()
    unnoticed: float | None = None
    keeps_models: bool = False

    @property
    def sizes_or_none(self) -> tuple[float | None, ...]:
        """The sizes, or None alone where there are none."""
        return self.sizes or (None,)

    def key(self, size: float | None) -> str:
        """Name and size, for people."""
        return self.name if size is None else f"{self.name} {size:.12g}"


PIXELS: Final = "conformance/test_model_pixels.py::test_pixels_are_the_references[{}-unit-range-48x1]"
RESIZING: Final = "conformance/test_model_pixels.py::test_without_a_warp_pixels_are_bilinear_resizing[{}-%s]"
LAYERS: Final = "conformance/test_detection_layers.py::test_every_layer_computes_what_its_kind_says[{}-inference-%s]"
VGG16, RESNET50 = LAYERS % "vgg16-scratch", LAYERS % "resnet50-scratch"
STEPS: Final = "conformance/test_detection_steps.py::"
STATISTICS: Final = STEPS + "test_norms_keep_the_biased_statistics_of_the_batch[{}]"
GRADIENT: Final = STEPS + "test_the_last_layers_gradient_is_that_of_the_weighted_cross_entropy[{}]"
ADAM: Final = STEPS + "test_the_optimizer_is_kerass_adam[{}]"
FIRST_STEP: Final = STEPS + "test_the_first_step_is_the_learning_rate[{}]"
DROPOUT: Final = "conformance/test_model.py::test_dropout_drops_in_training_alone[{}]"
MODEL: Final = "conformance/test_model.py::"
BATCHES, FIT, SPLITS = "unit/data/test_batches.py::", "unit/training/test_fit.py::", "unit/data/test_splits.py::"

OF_FRAMEWORKS: Final = (
    Mutation("channels_swapped", "pixels", "means of RGB taken off BGR", RESIZING % "caffe-48x3"),
    Mutation("mean_not_scaled", "pixels", "means of [0, 1] taken off 0..255", RESIZING % "imagenet-48x3"),
    Mutation("channel_missing", "pixels", "one of three channels zero", RESIZING % "imagenet-48x3"),
    Mutation("pixels_shifted", "pixels", "grid off by {} source pixels",
             RESIZING % "unit-range-48x1", (0.5, 1e-5), 1e-6),
    Mutation("nearest_neighbour", "pixels", "nearest for bilinear", RESIZING % "unit-range-224x3"),
    Mutation("shifts_exchanged", "pixels", "height shift moves columns, width shift rows", PIXELS),
    Mutation("maps_ignored", "pixels", "no augmentation", PIXELS),
    Mutation("maps_rounded", "pixels", "maps in bfloat16", PIXELS),
    Mutation("stride_on_the_3x3", "layers", "stride on the 3×3, as in version 1.5", RESNET50),
    Mutation("padding_asymmetric", "layers", "first border 2 and 4 for 3 and 3", RESNET50),
    Mutation("flattened_channels_first", "layers", "NHWC flattened as NCHW", VGG16),
    Mutation("bias_dropped", "layers", "one dense bias less {} of it", VGG16, (1.0, 1e-4), 1e-6),
    Mutation("relu_missing", "layers", "no ReLU after one dense layer", VGG16),
    Mutation("relu_leaky", "layers", "ReLU of slope {} below 0", VGG16, (0.1, 1e-5), 1e-6),
    Mutation("average_pooling", "layers", "average for max pooling", VGG16),
    Mutation("global_max_pooling", "layers", "global max for average pooling", RESNET50),
    Mutation("shortcut_missing", "layers", "residuals without their shortcut", RESNET50),
    Mutation("softmax_twice", "layers", "logits already softmaxed", VGG16),
    Mutation("outputs_rotated", "layers", "order of the seven outputs permuted", VGG16),
    Mutation("one_nan", "layers", "the largest value of one layer NaN", VGG16),
    Mutation("base_epsilon", "norms", "ε = {} for 1.001e-5 in the base", RESNET50, (1e-3, 3e-5), 1.1e-5),
    Mutation("head_epsilon", "norms", "ε = {} for 1e-3 in the head", LAYERS % "vgg16-fine-tune",
             (1e-5, 9.8e-4), 9.99e-4),
    Mutation("momentum", "norms", "momentum {} for 0.99", STATISTICS, (0.01, 0.989999), 0.98999999),
    Mutation("variance_unbiased", "norms", "running variance over n - 1", STATISTICS),
    Mutation("batch_statistics_at_evaluation", "norms", "the batch's own statistics at evaluation", RESNET50),
    Mutation("frozen_norms_move", "norms", "frozen norms in training mode",
             "conformance/test_phases.py::test_frozen_norms_stay_in_inference_mode[{}-head]"),
    Mutation("dropout_at_evaluation", "dropout", "dropout at evaluation", DROPOUT),
    Mutation("dropout_rate", "dropout", "rate {} for 0.5", DROPOUT, (0.25, 0.4999)),
    Mutation("dropout_not_rescaled", "dropout", "what is kept not scaled up", DROPOUT),
    Mutation("divided_by_sum_of_weights", "loss", "weighted loss divided by Σw", GRADIENT),
    Mutation("labels_smoothed", "loss", "labels smoothed by {}", GRADIENT, (0.1, 1e-4), 1e-6),
    Mutation("epsilon_inside", "optimizer", "Adam's ε inside the bias correction", ADAM),
    Mutation("epsilon", "optimizer", "Adam's ε × {}", ADAM, (0.1, 1.001), 1.0001),
    Mutation("beta_2", "optimizer", "β₂ = {} for 0.999", ADAM, (0.99, 0.9985), 0.998999),
    Mutation("weight_decay", "optimizer", "gradient plus {} of the weight", ADAM, (1e-2, 1e-9), 1e-12),
    Mutation("learning_rate", "optimizer", "learning rate × {}",
             FIRST_STEP, (1.01, 1.001, 1.0001), 1.00001, keeps_models=True),
    Mutation("moments_kept", "optimizer", "moments kept from phase to phase",
             STEPS + "test_the_optimizer_of_a_new_phase_remembers_nothing[{}]", keeps_models=True),
    Mutation("frozen_layers_train", "optimizer", "frozen layers trained",
             STEPS + "test_gradients_of_what_is_frozen_are_refused[{}]"),
    Mutation("class_weights_ignored", "loop", "class weights ignored in training",
             MODEL + "test_totals_are_those_of_the_logits[{}-vgg16-scratch]", keeps_models=True),
    Mutation("labels_rotated", "loop", "order of labels permuted in training",
             MODEL + "test_totals_are_those_of_the_logits[{}-vgg16-scratch]", keeps_models=True),
    Mutation("last_batch_dropped", "loop", "last smaller batch dropped",
             MODEL + "test_a_last_smaller_batch_trains[{}]", keeps_models=True),
    Mutation("batches_reversed", "loop", "batches of a slice in reverse",
             MODEL + "test_slices_equal_one_call_to_the_bit[{}-vgg16-scratch]", keeps_models=True),
    Mutation("nan_hidden", "loop", "a loss that is NaN reported as 0",
             MODEL + "test_a_loss_that_is_not_a_number_shows[{}]", keeps_models=True),
    Mutation("evaluation_augmented", "loop", "evaluation on pixels moved by {} source pixels",
             MODEL + "test_logits_are_the_last_activation[{}-vgg16-scratch]",
             (1.0, 1e-3), 1e-6, keeps_models=True),
)  # fmt: skip

OF_THE_HARNESS: Final = (
    Mutation("shared_last_batch_dropped", "data", "last smaller batch dropped",
             BATCHES + "test_the_last_smaller_batch_is_kept"),
    Mutation("shared_labels_rotated", "data", "order of labels permuted",
             BATCHES + "test_a_row_brings_its_own_picture_label_map_and_weight"),
    Mutation("csv_labels_taken_as_they_are", "data", "the csv's order of labels taken for ours",
             "unit/data/test_fer2013_csv.py::test_labels_are_mapped_by_name"),
    Mutation("same_order_every_epoch", "data", "one order of examples for all epochs",
             BATCHES + "test_seed_and_epoch_alone_decide_the_order"),
    Mutation("same_maps_every_epoch", "data", "one augmentation for all epochs",
             "unit/data/test_augment.py::test_epochs_seeds_and_rows_differ[augmentation0]"),
    Mutation("evaluation_on_augmented_pixels", "data", "evaluation on pixels moved by {} source pixels",
             BATCHES + "test_plain_batches_keep_the_order", (1.0, 1e-6)),
    Mutation("reference_pixels_shifted", "pixels", "the reference's own grid off by {} source pixels",
             "unit/data/test_pixels.py::test_grid_is_even_and_centred", (0.5, 1e-6)),
    Mutation("tests_leaked", "data", "{} test images in training",
             "unit/training/test_rows.py::test_an_uncapped_plan_takes_everything", (40, 1)),
    Mutation("twins_divided", "data", "identical images on both sides of the honest split",
             SPLITS + "test_the_honest_split_divides_training_by_groups"),
    Mutation("shared_class_weights_ignored", "loop", "class weights ignored",
             "unit/data/test_pipelines.py::test_class_weights_are_of_the_rows_that_train"),
    Mutation("class_weights_scaled", "loop", "balanced class weights × {}",
             SPLITS + "test_balanced_weights_are_those_of_scikit_learn_with_mean_one", (1.01, 1.0001)),
    Mutation("scheduled_learning_rate", "loop", "the schedule's learning rate × {}",
             FIT + "test_the_plateau_rule_changes_the_learning_rate", (1.01, 1.000001)),
    Mutation("plateau_an_epoch_late", "loop", "learning rate lowered an epoch late, as PyTorch's rule does",
             FIT + "test_the_plateau_rule_changes_the_learning_rate"),
    Mutation("divergence_unnoticed", "loop", "losses not checked for NaN",
             FIT + "test_divergence_names_epoch_and_step[3-1-4-nan]"),
    Mutation("spoilt_logits_unnoticed", "loop", "logits not checked for NaN",
             FIT + "test_weights_spoilt_by_the_last_step_are_noticed[paper]"),
    Mutation("confusion_transposed", "loop", "confusion matrix transposed",
             "unit/training/test_metrics.py::test_three_images_by_hand"),
)  # fmt: skip

MUTATIONS: Final = {
    "keras3": OF_FRAMEWORKS,
    "pytorch": OF_FRAMEWORKS,
    "harness": OF_THE_HARNESS,
}
"""By whose code is spoilt."""
