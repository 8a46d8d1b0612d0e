namespace XapiCompat.Xe.Options;

/// <summary>Brings the sources of options together: ~/.xe, then XE_EXTRA_ARGS, then the command line; later ones win.</summary>
internal static class OptionsReader
{
    /// <exception cref="XeFailure">An option has a value that it cannot have.</exception>
    public static XeOptions Read(IReadOnlyList<string> arguments, Surroundings surroundings, Terminal terminal)
    {
        var options = new XeOptions();
        var reader = new ArgumentReader(options);
        var fromFile = new List<string>();
        if (surroundings.Variable("HOME") is { Length: > 0 } home)
        {
            foreach (var (key, value) in DefaultsFile.Read(Path.Combine(home, ".xe"), terminal))
            {
                if (!reader.Set(key, value))
                    fromFile.Add($"{key}={value}");
            }
        }

        var extra = reader.Take(ExtraArguments.Split(surroundings.Variable("XE_EXTRA_ARGS") ?? ""));
        options.TraceParent = surroundings.Variable("TRACEPARENT") ?? options.TraceParent;
        options.Baggage = surroundings.Variable("BAGGAGE");
        options.Arguments.AddRange(reader.Take(arguments));
        options.Help = options.Arguments.RemoveAll(argument => argument is "-help" or "--help") > 0;
        options.Arguments.AddRange(extra);
        options.Arguments.AddRange(fromFile);
        if (!options.Help && options.PasswordFile.Length > 0)
            ReadPasswordFile(options, surroundings);
        return options;
    }

    private static void ReadPasswordFile(XeOptions options, Surroundings surroundings)
    {
        try
        {
            using var file = new StreamReader(Path.Combine(surroundings.WorkingDirectory, options.PasswordFile));
            var user = file.ReadLine();
            var password = file.ReadLine();
            if (user is null || password is null)
                throw new XeFailure("Error: password file format: the first line has to be the user, the second the password\n");
            options.User = user;
            options.Password = password;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new XeFailure($"Error opening password file '{options.PasswordFile}'\n");
        }
    }
}
