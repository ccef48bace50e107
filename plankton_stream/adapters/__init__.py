"""The ports on real parts: Kafka, Milvus, SQL, files, an embed worker."""
