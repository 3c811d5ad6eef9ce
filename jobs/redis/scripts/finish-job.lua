-- Ends a run: applies its last write, removes its job from the queue, and takes the next one.
-- Atomic, so that no job has ended in its record and goes on in the queue, or the other way round.
-- KEYS 1 record of the job
-- ARGV 1 prefix of the queue's keys, 2 '1' = take the next job, 3 how long its lock lasts (ms),
--      4 lock token, 5 worker, 6 and 7 head and tail of the state event of the next job,
--      8… the args of write-run.lua (none: nothing to write)
-- Answers {answer of write-run.lua or '', an error code of remove_entry or what moveToActive answers,
--      answer of start-attempt.lua for the next job or '', now (ms)}
local job, queue, token = job_of(KEYS[1]), ARGV[1], ARGV[4]

local wrote = ''
if #ARGV > 7 then wrote = write(job, {unpack(ARGV, 8)}) end

-- The job that this worker took with its last command, if that command's answer was lost and it was
-- sent again.
local function already_taken()
  for _, id in ipairs(call('LRANGE', queue .. 'active', 0, -1)) do
    if call('GET', queue .. id .. ':lock') == token then
      return {call('HGETALL', queue .. id), id, 0, 0}
    end
  end
end

-- A job that the store has rolled back stays: the caller hands it back, so that it starts over. An
-- overtaken one belongs to another worker.
local finished, repeated = 0, nil
if wrote ~= 'rolled_back' and wrote ~= 'overtaken' then
  finished = remove_entry(queue, job.id, token)
  if wrote ~= '' and finished < 0 then
    -- The entry is gone or locked by another worker. The job has ended all the same, and an entry
    -- that is left is dropped by the worker that takes it.
    finished, repeated = 0, already_taken()
  end
end
local answer
if ARGV[2] == '1' and finished == 0 and wrote ~= 'rolled_back' then
  finished, answer = take(job.tag, queue, ARGV[3], token, ARGV[5], ARGV[6], ARGV[7], repeated)
end
announce()
return {wrote, finished, answer or '', tonumber(now())}
