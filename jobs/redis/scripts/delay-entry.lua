-- Sets the time of a script of BullMQ to that of this Redis. Precedes BullMQ's moveToDelayed.
local parts = redis.call('TIME')
ARGV[2] = parts[1] * 1000 + math.floor(parts[2] / 1000)
