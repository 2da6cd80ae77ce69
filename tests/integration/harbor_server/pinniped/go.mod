module go.pinniped.dev

go 1.24
