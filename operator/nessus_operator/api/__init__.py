"""What users and the API server see: the kinds, their words and the moves a scan may make."""
