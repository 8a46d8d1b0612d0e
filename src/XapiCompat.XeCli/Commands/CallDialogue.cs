using System.Text;
using XapiCompat.XeCli.Output;

namespace XapiCompat.XeCli.Commands;

/// <summary>What commands ask of the user and the user's machine.</summary>
public static class CallDialogue
{
    /// <summary>Whether the user types yes; otherwise tells that the command was given up.</summary>
    public static Task<bool> ConfirmAsync(this XeCall call) => call.Terminal.ConfirmAsync();

    /// <summary>Refuses a dangerous command without <c>--force</c>.</summary>
    public static void DemandForce(this XeCall call)
    {
        if (!call.Parameters.Flag("force"))
            throw new XeException("This operation can destroy data. Add --force to do it nevertheless.");
    }

    /// <summary>Text of a file of the user; ends the command when the client cannot read it.</summary>
    /// <param name="path">The value of a parameter, exactly as typed.</param>
    /// <param name="what">What the file holds, for the user.</param>
    public static async Task<string> ReadAsync(this XeCall call, string path, string what) =>
        Encoding.UTF8.GetString(await call.ReadBytesAsync(path, what));

    /// <summary><see cref="ReadAsync"/> for files that are not text.</summary>
    public static async Task<byte[]> ReadBytesAsync(this XeCall call, string path, string what) =>
        await call.Terminal.LoadAsync(path) ?? throw await call.FailedAsync("Failed to read " + what);

    /// <summary>Tells the user why a command ends with status 1.</summary>
    public static async Task<XeExitException> FailedAsync(this XeCall call, string text)
    {
        await call.Terminal.PrintErrorAsync(text + "\n");
        return new(1);
    }
}
