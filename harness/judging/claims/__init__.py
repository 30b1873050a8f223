"""What a paper claims in words, answered by samples of runs and by the paper's own figures."""
