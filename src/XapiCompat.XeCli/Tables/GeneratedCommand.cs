namespace XapiCompat.XeCli.Tables;

/// <summary>A command that exists for every class alike.</summary>
/// <param name="Operation">Such as <c>list</c> or <c>param-set</c>.</param>
public sealed record GeneratedCommand(GeneratedClass Class, string Operation);
