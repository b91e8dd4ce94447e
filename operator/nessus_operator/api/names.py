"""Every name that stands in a cluster for ever: group, kinds, labels, annotations, finalizers."""

GROUP = "nessus-operator.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

SCANS = "nessusscans"
SCAN_KIND = "NessusScan"
POOLS = "scannerpools"
POOL_KIND = "ScannerPool"

# On a scan: from before its remote scan is created until that is gone.
# On a pool: until none of its scans has a remote part.
FINALIZER = f"{GROUP}/remote-scan"

ANNOTATION_TRACEPARENT = f"{GROUP}/traceparent"
ANNOTATION_REQUESTER = f"{GROUP}/requester"
ANNOTATION_SERIES = f"{GROUP}/series"
ANNOTATION_DEFAULT_POOL = f"{GROUP}/default-pool"
ANNOTATION_RESET_CIRCUIT = f"{GROUP}/reset-circuit"
ANNOTATION_SCANNER_URL = f"{GROUP}/scanner-url"
ANNOTATION_ALLOWED_TARGETS = f"{GROUP}/allowed-targets"

SECRET_TYPE_SCANNER = f"{GROUP}/scanner"
SECRET_TYPE_CREDENTIALS = f"{GROUP}/credentials"
