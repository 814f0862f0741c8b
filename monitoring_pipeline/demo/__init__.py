"""The demo case: three models on the flights that left New York in 2013. A user of the pipeline like any other."""
