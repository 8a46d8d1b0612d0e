using XapiCompat.Values;
using XapiCompat.XeCli.Arguments;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Errors;

/// <summary>What the client shows when a command fails.</summary>
internal sealed class FailureReport(IXeTerminal terminal, XeTables tables, Action<Exception> onUnexpected)
{
    private const string Hint = "For usage run: 'xe help'\n";
    private const int Failed = 1;

    /// <summary>Tells the client; the status for it to exit with.</summary>
    public async Task<int> WriteAsync(Exception exception, bool trace)
    {
        switch (exception)
        {
            case XeExitException exit:
                return exit.Code;
            case UnknownCommandException unknown:
                await UsageAsync("Unknown command: " + unknown.Message);
                break;
            case XeSyntaxException:
                await UsageAsync("Syntax error: ");
                break;
            case XeMissingParameterException missing:
                await UsageAsync("Required parameter not found: " + missing.Name);
                break;
            case LoginException login:
                await UsageAsync(login.Message);
                break;
            case XeOperationsException operations:
                foreach (var (uuid, text) in operations.Failures)
                    await terminal.PrintAsync("operation failed on " + uuid + ": " + text);
                break;
            case XeException refusal:
                await terminal.PrintErrorAsync("Error: " + refusal.Message + "\n");
                break;
            case XeUnknownFieldException field:
                await terminal.FailAsync("Missing parameter", [field.Name]);
                break;
            case DescribedException described:
                await ApiAsync(described.Error);
                break;
            case XenException refused:
                await ApiAsync(await ApiErrors.DescribeAsync(refused.Failure, tables, api: null));
                break;
            default:
                onUnexpected(exception);
                await ApiAsync(await ApiErrors.DescribeAsync(new("INTERNAL_ERROR", exception.GetType().Name + ": " + exception.Message), tables, api: null));
                break;
        }

        if (trace)
            await TraceAsync(exception);
        return Failed;
    }

    private async Task UsageAsync(string text)
    {
        await terminal.PrintErrorAsync(text + "\n");
        await terminal.PrintErrorAsync(Hint);
    }

    private async Task ApiAsync(ApiErrors error)
    {
        if (error.Text is null)
        {
            await terminal.FailAsync(error.Code, error.Parameters);
            return;
        }

        await terminal.PrintErrorAsync(error.Text + "\n");
        foreach (var line in error.Lines)
            await terminal.PrintErrorAsync(line + "\n");
    }

    private async Task TraceAsync(Exception exception)
    {
        var raised = exception.InnerException ?? exception;
        await terminal.PrintErrorAsync("Raised " + raised.GetType().Name + ": " + raised.Message + "\n");
        await terminal.PrintErrorAsync("Backtrace:\n");
        await terminal.PrintErrorAsync(raised.StackTrace + "\n");
    }
}
