"""What a machine can do and what a variant asks of it: calibration, GPU, memory, forecast; finished runs are not judged
here.
"""
