"""Files in and files out: scans, electron images, results and figures."""
