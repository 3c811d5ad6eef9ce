-- Stands in front of every script that changes a job. KEYS 1…12 mean the same in all of them (keys.ts lists them):
--   1 job       hash: the record
--   2 log       stream of its durable events, under the ids `seq-0`; its name is also the channel that they are announced on
--   3 rows      sorted set: seq of each rows event of this attempt, by the index of its first row
--   4 lock      string: the job that is active for this user and this type of search
--   5 live      sorted set: live jobs, by when they were last checked (ms)
--   6 ended     sorted set: ended jobs that are not archived yet, by when they ended (ms)
--   7 mine      sorted set: the owner's jobs that are not archived, by creation (ms); also the channel of the owner's list
--   8 all       sorted set: everybody's; also the channel of the admins' feed
--   9 versions  hash: owner id, or '*' for everybody's list → how often that list has changed
--  10 counts    hash: state → number of jobs
--  11 epoch     string: which life of this Redis numbers the events
--  12 control   channel on which workers hear that a job was ended by somebody else
-- JSON is passed through and never built here. No stored value holds a line break (JSON escapes them), so a summary is its
-- values joined by line breaks.

-- The order in which record.ts reads a summary.
local SUMMARY = {'id', 'userId', 'search', 'brief', 'state', 'message', 'progress', 'rowCount', 'attempt', 'seq',
  'createdAt', 'startedAt', 'finishedAt'}

local epoch = redis.call('GET', KEYS[11]) or ''

-- One durable event: numbered, kept, rung. Answers its seq.
local function append(kind, data)
  local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
  redis.call('XADD', KEYS[2], seq .. '-0', 'type', kind, 'data', data)
  redis.call('PUBLISH', KEYS[2], seq .. '|' .. epoch .. '|' .. kind .. '|' .. data)
  return seq
end

-- The record as it is now, to the owner's list and to the feed.
local function announce()
  local values = redis.call('HMGET', KEYS[1], unpack(SUMMARY))
  local body = '|' .. epoch .. '|changed\n' .. table.concat(values, '\n')
  redis.call('PUBLISH', KEYS[7], redis.call('HINCRBY', KEYS[9], values[2], 1) .. body)
  redis.call('PUBLISH', KEYS[8], redis.call('HINCRBY', KEYS[9], '*', 1) .. body)
end

-- Moves a live job into an ending: frees its lock if it is still its own, and hands it to the archivers.
local function finish(id, from, ending, message, at, at_ms)
  redis.call('HSET', KEYS[1], 'state', ending, 'message', message, 'finishedAt', at)
  if redis.call('GET', KEYS[4]) == id then redis.call('DEL', KEYS[4]) end
  redis.call('ZREM', KEYS[5], id)
  redis.call('ZADD', KEYS[6], at_ms, id)
  redis.call('HINCRBY', KEYS[10], from, -1)
  redis.call('HINCRBY', KEYS[10], ending, 1)
end
