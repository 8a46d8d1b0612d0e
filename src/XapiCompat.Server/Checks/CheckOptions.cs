namespace XapiCompat.Server.Checks;

/// <summary>What the command line of <c>check</c> says.</summary>
/// <param name="Roots">As <see cref="ServerOptions.SrRoots"/>.</param>
internal sealed record CheckOptions(string State, IReadOnlyList<string> Roots, bool Repair, bool Json)
{
    /// <summary>Throws <see cref="StartFailure"/> with one clear line.</summary>
    public static CheckOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new CheckOptions("state", [], false, false);
        for (var i = 0; i < arguments.Count; i++)
        {
            string Value() => ++i < arguments.Count ? arguments[i] : throw new StartFailure(arguments[i - 1] + " needs a value");
            options = arguments[i] switch
            {
                "--state" => options with { State = Value() },
                "--sr-root" => options with { Roots = [.. options.Roots, Value()] },
                "--repair" => options with { Repair = true },
                "--json" => options with { Json = true },
                var other => throw new StartFailure("unknown option " + other + " of check (known: --state --sr-root --repair --json)"),
            };
        }

        return options;
    }
}
