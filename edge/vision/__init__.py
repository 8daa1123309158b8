"""From frames to plates: the port (`port`), the PP-OCR reader (`ppocr`), the vote (`vote`), files and streams (`sources`),
what was seen, drawn (`drawing`) and in words (`explaining`)."""
