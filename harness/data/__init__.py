"""From picture files to batches: doors to the data set, toyfaces, splits, reference pixels, augmentation and pipelines;
no network and no training.
"""
