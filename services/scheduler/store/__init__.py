"""State in MongoDB. Every change is a conditional update of one document.

The operators used are those that every MongoDB-protocol server gets right (the store's tests run on each):
no transactions, no positional operators, no dates in conditions (times are whole milliseconds), no `$ne`
against arrays, no pushing of subdocuments, and nothing is asked of no ids (there are servers that read a whole
collection for an empty `$in`). Contract messages inside documents are kept serialised.
"""
