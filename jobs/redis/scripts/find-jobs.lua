-- Reads the jobs that fit a filter from one slice of a sorted set, newest first. Each job is read in
-- the step that finds it, so none that is answered has stopped fitting in between.
-- KEYS 1 live, or mine of an owner: ids by creation
-- ARGV 1 type of search and 2 state ('' = any), 3 creation (ms, '+inf' = none) and 4 id of the job
--      that the slice follows, 5 number of jobs to look at, 6 maximum number to answer
-- Answers {epoch, number of jobs looked at, creation and id of the last of them ('' if none follows
--      that job), summary, …}; a summary is written as in shared.lua
local call = redis.call
local tag = string.match(KEYS[1], '^({.-}):')
local search, state, from_ms, from_id = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local maximum = tonumber(ARGV[6])

-- Compares as Redis sorts: by bytes. Lua's own comparison depends on the locale.
local function precedes(a, b)
  for i = 1, math.min(#a, #b) do
    local of_a, of_b = string.byte(a, i), string.byte(b, i)
    if of_a ~= of_b then return of_a < of_b end
  end
  return #a < #b
end

local function fits(record)
  if state ~= '' and call('HGET', record, 'state') ~= state then return false end
  return search == '' or call('HGET', record, 'search') == search
end

local slice = call('ZREVRANGEBYSCORE', KEYS[1], from_ms, '-inf', 'WITHSCORES', 'LIMIT', 0, ARGV[5])
local answer = {call('HGET', tag .. ':shard', 'epoch') or '', #slice / 2, '', ''}
local found = 0
for i = 1, #slice, 2 do
  local id, created_ms = slice[i], slice[i + 1]
  if created_ms ~= from_ms or precedes(id, from_id) then
    answer[3], answer[4] = created_ms, id
    local record = tag .. ':job:' .. id
    if fits(record) then
      local values = call('HMGET', record, 'userId', 'search', 'brief', 'state', 'message',
        'progress', 'rowCount', 'attempt', 'createdAt', 'startedAt', 'finishedAt')
      -- Absent: the record was deleted by hand.
      if values[1] then
        for k = 1, #values do values[k] = values[k] or '' end
        found = found + 1
        answer[4 + found] = id .. '\n' .. call('LLEN', tag .. ':log:' .. id) .. '\n'
          .. table.concat(values, '\n')
        if found == maximum then break end
      end
    end
  end
end
return answer
