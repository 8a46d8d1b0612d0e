namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>Parameters of a command that its row does not name, and that select nothing.</summary>
public static class OwnParameters
{
    /// <summary>The call as if those parameters had not been typed.</summary>
    public static XeCall Without(this XeCall call, params IReadOnlyList<string> names) =>
        call with { Parameters = new([.. call.Parameters.Pairs.Where(p => !names.Contains(p.Key))]) };
}
