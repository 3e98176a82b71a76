"""Files of the portal, such as documents and downloads: in a folder, in S3, or in Azure's blob store."""
