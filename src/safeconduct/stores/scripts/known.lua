-- Whether a session's record is older than what the store knows: a planned move is adopted by hand.
local function is_unknown(issued)
  return fields[3] ~= 'adopted' and issued <= tonumber(fields[2])
end
