"""What Spark starts: the folder of this file is the code's root, so that `ml` is found."""  # noqa: INP001 - a script

from ml.drift.engine.spark_job import main

main()
