using System.Collections;

namespace XapiCompat.Xe;

/// <summary>The executable. Everything blocks: one thread starts sooner than what asynchronous calls need.</summary>
internal static class Program
{
    public static int Main(string[] arguments)
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
            variables[(string)variable.Key] = (string?)variable.Value ?? "";
        using var input = new FileDescriptor(0);
        using var output = new FileDescriptor(1);
        using var error = new FileDescriptor(2);
        return Client.Run(arguments, new Surroundings
        {
            Variables = variables,
            Input = input,
            Output = output,
            Error = error,
            WorkingDirectory = Environment.CurrentDirectory,
            OwnsProcess = true,
        });
    }
}
