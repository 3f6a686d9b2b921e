"""Turns the body of a request into its answer: check, predict, collect. No HTTP, no globals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ml.collected_data import INPUTS, OUTPUTS, PREDICTION
from ml.errors import MlError
from ml.scoring.cells import collected_dates
from ml.scoring.collection import Batch
from ml.scoring.errors import BadRequestError
from ml.scoring.rows import Rows, RowSchema, parse_rows

if TYPE_CHECKING:
    from ml.model_folder import ModelFolder, Predictor
    from ml.scoring.collection import Collection

_DEFAULT_MAX_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON body."""

    status: int
    body: dict[str, object]


class ModelAnswerError(MlError):
    """The model did not return one finite prediction per row: a bug in the model."""


class Scorer:
    """One model version, ready to answer.

    Args:
        id_column: see RowSchema.
        max_rows: see RowSchema.
    """

    def __init__(
        self,
        *,
        folder: ModelFolder,
        model: Predictor,
        collection: Collection,
        id_column: str | None = None,
        max_rows: int = _DEFAULT_MAX_ROWS,
    ) -> None:
        self._folder = folder
        self._model = model
        self._collection = collection
        self._date_formats = {
            name: contract.date_format
            for name, contract in folder.contracts.items()
            if contract.type == "date"
        }
        self._dtypes = {column.name: column.dtype for column in folder.columns}
        self._schema = RowSchema(
            folder.columns, id_column=id_column, max_rows=max_rows, contracts=folder.contracts
        )

    def answer(self, body: bytes, *, request_id: str) -> Answer:
        """Score the rows in `body`.

        Exceptions from the model propagate: the server logs them and answers a bare 500.

        Raises:
            ModelAnswerError: the model did not return one finite prediction per row.
        """
        try:
            rows = parse_rows(body, self._schema)
        except BadRequestError as exc:
            return Answer(400, exc.body())
        predictions = self._predict(rows)
        self._collect(rows, predictions, request_id=request_id, body_bytes=len(body))
        answer: dict[str, object] = {
            "predictions": predictions,
            "model": self._folder.name,
            "model_version": self._folder.version,
        }
        if rows.ids is not None:
            answer["ids"] = rows.ids
        return Answer(200, answer)

    def _predict(self, rows: Rows) -> list[Any]:
        frame = pd.DataFrame(
            {
                name: np.array(rows.columns[name], dtype=dtype)
                for name, dtype in self._dtypes.items()
            }
        )
        predictions: list[Any] = np.asarray(self._model.predict(frame)).tolist()
        if len(predictions) != rows.count:
            raise ModelAnswerError(f"{len(predictions)} predictions for {rows.count} rows")
        if any(isinstance(one, float) and not math.isfinite(one) for one in predictions):
            raise ModelAnswerError("a prediction is not finite")
        return predictions

    def _collect(
        self, rows: Rows, predictions: list[Any], *, request_id: str, body_bytes: int
    ) -> None:
        ids: dict[str, list[Any]] = {}
        if rows.ids is not None and self._schema.id_column is not None:
            ids = {self._schema.id_column: rows.ids}
        inputs = {**ids, **rows.columns}
        for name, form in self._date_formats.items():
            inputs[name] = collected_dates(rows.columns[name], form)
        version = self._folder.version
        self._collection.put(
            [
                Batch(INPUTS, inputs, request_id, version, body_bytes),
                Batch(OUTPUTS, {**ids, PREDICTION: predictions}, request_id, version),
            ]
        )
