"""FlowCam runs: a `.lst` table of particles, and the collages (`.tif`) that their images lie in."""
