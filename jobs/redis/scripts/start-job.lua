-- Starts the attempt of a job that its worker has fetched without starting it.
-- KEYS 1 as in shared.lua
-- ARGV 1 delivery, 2 lock token, 3 worker, 4 and 5 head and tail of the state event's data
-- Answers as start-attempt.lua
local job = job_of(KEYS[1])
local search = call('HGET', job.record, 'search')
local answer = start(job, search, ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
announce()
return answer
