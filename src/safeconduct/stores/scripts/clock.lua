-- Prepended to every script.  The store's clock in milliseconds; ARGV[1] shifts it in tests, and is 0 otherwise.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])

-- Lua would format a large number as 1.7e+12.
local function int(number)
  return string.format('%.0f', number)
end
