"""What Spark starts: the folder of this file is the code's root, so that `ml` is found."""  # noqa: INP001 - a script

from ml.drift.spark.job import main

main()
