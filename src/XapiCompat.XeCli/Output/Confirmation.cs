namespace XapiCompat.XeCli.Output;

/// <summary>Asks before something that cannot be undone.</summary>
public static class Confirmation
{
    /// <summary>False when the user did not agree, which is printed: the command then ends without an error.</summary>
    public static async Task<bool> ConfirmAsync(this IXeTerminal terminal)
    {
        await terminal.PrintAsync("Type 'yes' to continue");
        var typed = await terminal.PromptAsync();
        if (typed.Trim().Equals("yes", StringComparison.OrdinalIgnoreCase))
            return true;
        await terminal.PrintAsync("Aborted (you typed: '" + typed + "')");
        return false;
    }
}
