"""The studio: a Streamlit front end that draws and asks; it never trains."""
