-- Whether a session is older than what the store knows; an operator adopts a planned move by hand.
local function is_unknown(issued)
  return fields[3] ~= 'adopted' and issued <= tonumber(fields[2])
end
