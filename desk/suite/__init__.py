"""The desk suite: tasks on the sample office, each judged by what is on disk afterwards."""
