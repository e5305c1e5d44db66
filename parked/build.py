"""Builds the new chapter 3 from the cells below."""
import nbformat, re, sys
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
old=nbformat.read('book/chapters/03_kmeans_pseudo_labels.ipynb',4)
cells=[]
def md(text): cells.append(new_markdown_cell(text.strip()))
def code(text): cells.append(new_code_cell(text.strip()))
def checks(text):
    cells.append(new_code_cell(text.strip(),metadata={"tags":["hide-input"],"jupyter":{"source_hidden":True},"mystnb":{"code_prompt_show":"The code of these numbers and checks","code_prompt_hide":"Hide the code"}}))
def solution(text): cells.append(new_code_cell(text.strip(),metadata={"tags":["hide-cell"]}))
exec(open('parked/cells.py').read())
for n,c in enumerate(cells): c.id=f"c{n:03d}"
nb=new_notebook(cells=cells,metadata={k:v for k,v in old.metadata.items()})
nbformat.write(nb,'book/chapters/03_kmeans_pseudo_labels.ipynb')
print('words',sum(len(c.source.split()) for c in cells if c.cell_type=='markdown'),'cells',len(cells))
