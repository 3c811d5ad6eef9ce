-- Applies one write of a run that goes on.
-- KEYS 1 as in shared.lua
-- ARGV as the args of write-run.lua
-- Answers as write-run.lua
local answer = write(job_of(KEYS[1]), ARGV)
announce()
return answer
