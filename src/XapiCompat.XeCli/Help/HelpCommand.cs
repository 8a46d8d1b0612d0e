using XapiCompat.XeCli.Arguments;
using XapiCompat.XeCli.Output;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Help;

/// <summary>Tells what commands there are. Needs no login.</summary>
internal static class HelpCommand
{
    private const int Width = 74;

    private const string Indent = "    ";

    /// <summary>What the client takes for itself or says how to list; everything else is a command to tell about.</summary>
    private static readonly string[] Options = ["server", "username", "password", "port", "minimal", "all"];

    private const string Usage =
        """
        Usage:
          xe <command>
            [ -s <server> ]            host to connect to
            [ -p <port> ]              port of its API
            [ -u <user> -pw <password> | -pwf <file with both> ]
                                       who asks
            [ --nossl ]                connect without TLS
            [ --debug ]                show the dialogue with the server
            [ --debug-on-fail ]        show it only when the command fails
            [ --traceparent <value> ]  context of a distributed trace
            [ <other arguments> ... ]  what the command takes

        About one command:
          xe help <command>


        """;

    public static async Task RunAsync(XeTables tables, XeParameters parameters, XePrinter printer)
    {
        var asked = parameters.Pairs.Select(p => p.Key).Where(k => k.Length > 0 && !Options.Contains(k)).ToList();
        if (asked.Count > 0)
        {
            foreach (var name in asked)
                await DescribeAsync(tables, name, printer);
            return;
        }

        var all = parameters.Find("all") == "true";
        var names = tables.Commands.Where(c => !c.Hidden && (all || c.Standard)).Select(c => c.Name).ToList();
        if (printer is MinimalPrinter)
            await printer.ItemsAsync(names);
        else if (all)
            await ListAllAsync(names, printer);
        else
            await ListCommonAsync(names, printer);
    }

    private static async Task DescribeAsync(XeTables tables, string name, XePrinter printer)
    {
        if (tables.FindCommand(name) is not { } row)
        {
            await printer.ItemAsync("Unknown command '" + name + "'");
            return;
        }

        // The blanks are part of the names: the completion script of shells looks for them.
        await printer.TableAsync(
        [
            [
                new("command name        ", row.Name),
                new("reqd params     ", string.Join(", ", row.Required)),
                new("optional params ", string.Join(", ", row.Selectors is { } kind ? [.. row.Optional, "<" + kind + "-selectors>"] : row.Optional)),
                new("description     ", CommandTexts.Of(row)),
            ],
        ]);
    }

    private static async Task ListCommonAsync(IReadOnlyList<string> names, XePrinter printer)
    {
        await printer.ItemAsync(Usage + "All commands:\n  xe help --all\n\nCommon commands\n---------------\n");
        await printer.ItemsAsync(Lines(names));
    }

    private static async Task ListAllAsync(IReadOnlyList<string> names, XePrinter printer)
    {
        await printer.ItemAsync(Usage + "All commands\n------------\n");
        await printer.ItemsAsync(Lines([.. names.Where(n => n.StartsWith("host-", StringComparison.Ordinal))]));
        await printer.ItemsAsync(Lines([""]));
        await printer.ItemsAsync(Lines([.. names.Where(n => n.StartsWith("vm-", StringComparison.Ordinal))]));
        await printer.ItemsAsync(Lines([""]));
        await printer.ItemsAsync(Lines([.. names.Where(n => !n.StartsWith("host-", StringComparison.Ordinal) && !n.StartsWith("vm-", StringComparison.Ordinal))]));
    }

    private static List<string> Lines(IReadOnlyList<string> names)
    {
        var lines = new List<string>();
        var line = Indent + names[0];
        foreach (var name in names.Skip(1))
        {
            if (line.Length + name.Length <= Width)
            {
                line += ", " + name;
                continue;
            }

            lines.Add(line);
            line = Indent + name;
        }

        lines.Add(line);
        return lines;
    }
}
