"""The demo: three models on the flights that left New York in 2013. It uses the pipeline as any user does."""
