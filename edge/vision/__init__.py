"""From frames to plates: the port (`port`), the PP-OCR reader (`ppocr`), the vote (`vote`), files and streams (`sources`)."""
