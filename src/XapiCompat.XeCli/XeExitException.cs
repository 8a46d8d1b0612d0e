namespace XapiCompat.XeCli;

/// <summary>A command ends with a status of its own, and has said why.</summary>
public sealed class XeExitException(int code) : Exception("exit " + code)
{
    public int Code { get; } = code;
}
