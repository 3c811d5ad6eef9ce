-- Precedes every script that changes a job. All keys that a script touches share a hash tag, so
-- their names are derived from one key, the job's record: passing a key costs as much as a command.
-- Below, `tag` is `{sl:0}`.
--   tag:job:<id>               hash: the record
--   tag:log:<id>               list: the job's durable events `type|at (ms)|data`; an event's seq
--                              is its position, from 1. Also the channel of the job
--   tag:rows:<id>              sorted set: seq of each rows event of this attempt, by the index of
--                              its first row
--   tag:patches:<id>           hash: index of a row of this attempt that has changed since it was
--                              yielded → its changed cells (JSON)
--   tag:lock:<owner>:<search>  string: the active job of this user and this type of search
--   tag:live                   sorted set: live jobs, by creation (ms)
--   tag:ended                  sorted set: ended jobs that are not archived yet, by the time (ms)
--                              from which an archiver may claim them
--   tag:mine:<owner>           sorted set: the owner's jobs that are not archived yet, by creation
--                              (ms). Also the channel of the owner's list
--   tag:feed                   channel of the admins' feed
--   tag:versions               hash: owner → number of changes of that owner's list since the
--                              hash was last swept of idle owners
--   tag:tally                  hash: kind of change → number of such changes in this shard, ever.
--                              Every change raises one of them, so their sum is the version of the
--                              feed: created, started, cancelled_new and error_new (ended before
--                              starting), complete, error, cancelled, deleted_<state>, changed
--                              (anything else)
--   tag:shard                  hash: epoch and the replid it was made under; `settled`, the epoch
--                              for which lost jobs were ended and all jobs counted; position of the
--                              reconcilers in tag:live; number of sweeps of tag:versions
--   tag:control                channel that tells workers which job was ended from outside its run
--   tag:moved:<search>         channel that announces that the queue of a type has moved
--   tag:bull:<search>:…        BullMQ's keys: one queue per type of search
-- Scripts pass JSON through and never build it. No stored value holds a line break, since JSON
-- escapes it, so a summary is its values joined by line breaks.
-- Redis does not roll a script back, so every check comes before the first write.

local call = redis.call

-- The names that are derived from the key of a job's record.
local function job_of(record)
  local tag, id = string.match(record, '^({.-}):job:(.+)$')
  return {tag = tag, id = id, record = record, log = tag .. ':log:' .. id}
end

-- The time in ms by this Redis' clock, the same throughout the script. No other clock counts: those
-- of servers and workers may differ by hours. A string, since each use of a number formats it.
local time
local function now()
  if not time then
    local parts = call('TIME')
    time = parts[1] .. string.sub(string.format('%06d', parts[2]), 1, 3)
  end
  return time
end

-- The number of changes of any job in this shard.
local function feed_version(tag)
  local version = 0
  for _, count in ipairs(call('HVALS', tag .. ':tally')) do version = version + count end
  return version
end

-- Counts a change of the owner's list.
local function count_change(tag, owner) return call('HINCRBY', tag .. ':versions', owner, '1') end

-- The version of a list: a sweep raises the versions of all lists, so none repeats a number.
local function version_of(changes, sweeps)
  return string.format('%.0f', (sweeps or 0) * 1000000000 + changes)
end

-- Adds an event to the job's log. Answers it and its seq.
local function log(job, type, data)
  local event = type .. '|' .. now() .. '|' .. data
  return event, call('RPUSH', job.log, event)
end

-- Counts a change of the job, for `announce`. It is counted even without subscribers, because the
-- counts show a list what it has missed. `kind` is a field of the tally, `top` is the seq of the
-- last of `events`, `progress` is JSON, false or nil, `moved` the type whose queue has moved or nil.
local changes = {}
local function changed(job, owner, kind, events, top, progress, moved)
  call('HINCRBY', job.tag .. ':tally', kind, '1')
  changes[#changes + 1] = {
    job = job, events = events, top = top, progress = progress, moved = moved,
    own_jobs = job.tag .. ':mine:' .. owner, of_list = count_change(job.tag, owner),
  }
end

-- Announces the changes of this script: the events on the channel of each job, its summary on the
-- channels of its owner's list and of the feed. Asks once for all of them who listens.
local function announce()
  if #changes == 0 then return end
  local tag = changes[1].job.tag
  local channels = {tag .. ':feed'}
  for _, change in ipairs(changes) do
    channels[#channels + 1] = change.job.log
    channels[#channels + 1] = change.own_jobs
    channels[#channels + 1] = tag .. ':moved:' .. (change.moved or '')
  end
  -- Names and numbers of subscribers, in turn.
  local subscribers, any = call('PUBSUB', 'NUMSUB', unpack(channels)), 0
  for i = 2, #subscribers, 2 do any = any + subscribers[i] end
  if any == 0 then return end

  local shard = call('HMGET', tag .. ':shard', 'epoch', 'sweeps')
  local epoch = shard[1] or ''
  local feed_before = subscribers[2] > 0 and feed_version(tag) - #changes
  for i, change in ipairs(changes) do
    local job, events = change.job, change.events
    local of_job, of_owner = subscribers[6 * i - 2], subscribers[6 * i]
    if subscribers[6 * i + 2] > 0 then call('PUBLISH', tag .. ':moved:' .. change.moved, '') end
    if of_job > 0 then
      for k, event in ipairs(events) do
        call('PUBLISH', job.log, (change.top - #events + k) .. '|' .. epoch .. '|' .. event)
      end
      if change.progress then
        call('PUBLISH', job.log, '|' .. epoch .. '|progress||' .. change.progress)
      end
    end
    if of_owner > 0 or feed_before then
      local values = call('HMGET', job.record, 'userId', 'search', 'brief', 'state', 'message',
        'progress', 'rowCount', 'attempt', 'createdAt', 'startedAt', 'finishedAt')
      for k = 1, #values do values[k] = values[k] or '' end
      local body = '|' .. epoch .. '|changed\n' .. job.id .. '\n' .. call('LLEN', job.log) .. '\n'
        .. table.concat(values, '\n')
      if of_owner > 0 then
        call('PUBLISH', change.own_jobs, version_of(change.of_list, shard[2]) .. body)
      end
      if feed_before then call('PUBLISH', tag .. ':feed', (feed_before + i) .. body) end
    end
  end
end

-- Moves a job from the live to the ended ones, where archivers claim it, and frees its lock unless
-- another job holds it by now.
local function finish(job, owner, search, at)
  local lock = job.tag .. ':lock:' .. owner .. ':' .. search
  if call('GET', lock) == job.id then call('DEL', lock) end
  call('ZREM', job.tag .. ':live', job.id)
  call('ZADD', job.tag .. ':ended', at, job.id)
end
