"""The machinery of a study: what it is, its blocks, its checkpoint, its result.

``spec`` says what is counted and on which grid of blocks, ``blocks`` counts one of them, ``run``
gives them to threads or to an executor and adds up, ``checkpoint`` keeps them, ``result`` holds
the sums.  Blocks are integer histograms: they add up to the same bits in any order.
"""
