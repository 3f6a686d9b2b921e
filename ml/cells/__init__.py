"""One reading of a cell: text, Parquet and JSON become a value, missing, or a refusal with reason.

`cell` defines it for one cell without pandas, `columns` does the same for a column with pandas.
"""

from ml.cells.cell import CellReader, reader_of
from ml.cells.reasons import Reason, Refusal

__all__ = ["CellReader", "Reason", "Refusal", "reader_of"]
