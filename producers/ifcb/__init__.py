"""Bins of the Imaging FlowCytobot: `.adc` (one line a target), `.hdr` (settings), `.roi` (pixels).

Layouts: Olson & Sosik 2007 (Limnol. Oceanogr. Methods 5:195-203) and the instrument's own
`ADCFileFormat` line; where the two generations differ, as WHOI's pyifcb reads them.
"""
