-- Ends a run: applies its last write, removes its job from the queue, and takes the next one.
-- Atomic, so that no job has ended in its record and goes on in the queue, or the other way round.
-- `move_to_finished` is BullMQ's own script.
-- KEYS 1 record of the job, 2… the keys of move_to_finished
-- ARGV 1…9 the arguments of move_to_finished, 10 lock token, 11 worker, 12 and 13 head and tail of
--      the state event of the next job, 14… the args of write-run.lua (none: nothing to write)
-- Answers {answer of write-run.lua or '', what move_to_finished answers, answer of
--      start-attempt.lua for the next job or '', now (ms)}
local job, queue, token = job_of(KEYS[1]), ARGV[7], ARGV[10]
local fetch_next, options = ARGV[6] == '1', ARGV[8]
local queue_keys = {unpack(KEYS, 2)}
local queue_args = {unpack(ARGV, 1, 9)}
queue_args[2] = now()

local wrote = ''
if #ARGV > 13 then wrote = write(job, {unpack(ARGV, 14)}) end

-- The job that this worker took with its last command, if that command's answer was lost and it was
-- sent again.
local function already_taken()
  for _, id in ipairs(call('LRANGE', queue .. 'active', 0, -1)) do
    if call('GET', queue .. id .. ':lock') == token then
      return {call('HGETALL', queue .. id), id, 0, 0}
    end
  end
end

local finished, answer = 0, nil
if wrote == 'rolled_back' then
  -- The caller hands the job back, so that it starts over.
elseif wrote == 'overtaken' then
  if fetch_next then
    finished, answer = take(nil, job.tag, queue, options, token, ARGV[11], ARGV[12], ARGV[13])
  end
else
  finished = move_to_finished(queue_keys, queue_args)
  if is_job(finished) then
    finished, answer = take(finished, job.tag, queue, options, token, ARGV[11], ARGV[12], ARGV[13])
  elseif wrote ~= '' and type(finished) == 'number' and finished < 0 then
    -- The entry is gone or locked by another worker. The job has ended all the same, and an entry
    -- that is left is dropped by the worker that takes it.
    finished = 0
    if fetch_next then
      finished, answer = take(already_taken(), job.tag, queue, options, token, ARGV[11], ARGV[12],
        ARGV[13])
    end
  end
end
announce()
return {wrote, finished, answer or '', now()}
