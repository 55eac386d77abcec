"""Every row of the table of requests."""

import rows_access
import rows_answers
import rows_credentials
import rows_endpoints
import rows_identity
import rows_paths

ROWS = (
    *rows_access.ROWS,
    *rows_paths.ROWS,
    *rows_credentials.ROWS,
    *rows_answers.ROWS,
    *rows_identity.ROWS,
    *rows_endpoints.ROWS,
)
