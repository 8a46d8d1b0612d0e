using System.Diagnostics;
using Xunit;

namespace XapiCompat.Testing;

/// <summary>Other people's programs as judges. A missing one skips a test locally and fails it when CI is set.</summary>
public static class RequiredTool
{
    /// <summary>Use in a [SkippableFact]; returns the path of the first of <paramref name="names"/> on PATH.</summary>
    public static string Find(params string[] names)
    {
        foreach (var directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/sbin").Append("/usr/sbin"))
        {
            foreach (var name in names)
            {
                var path = Path.Combine(directory, name);
                if (File.Exists(path))
                    return path;
            }
        }

        var message = string.Join(" or ", names) + " is not installed";
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable("CI")))
            throw new InvalidOperationException(message);
        Skip.If(true, message);
        throw new InvalidOperationException(message);
    }

    /// <summary>Runs a tool to its end (at most two minutes) and returns exit code and output.</summary>
    public static (int ExitCode, string Output) Run(string tool, params string[] arguments)
    {
        var start = new ProcessStartInfo(tool) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        if (!process.WaitForExit(TimeSpan.FromMinutes(2)))
        {
            process.Kill();
            throw new TimeoutException(tool + " did not end");
        }

        return (process.ExitCode, output + errors.GetAwaiter().GetResult());
    }
}
