using System.Text;
using XapiCompat.Testing;

namespace XapiCompat.Xe.Tests.Support;

/// <summary>Runs the client inside the test with a home, a working directory and standard streams of its own.</summary>
internal sealed class XeProcess : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly MemoryStream _output = new();
    private readonly MemoryStream _error = new();

    public XeProcess()
    {
        Directory.CreateDirectory(_directory.File("home"));
        Directory.CreateDirectory(WorkingDirectory);
        Variables["HOME"] = _directory.File("home");
    }

    public string WorkingDirectory => _directory.File("work");

    public Dictionary<string, string> Variables { get; } = [];

    public Stream Input { get; set; } = Stream.Null;

    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(300);

    public string LocalSocket { get; set; } = "/nowhere/xapi";

    public string Output => Encoding.UTF8.GetString(_output.ToArray());

    public byte[] OutputBytes => _output.ToArray();

    public string Error => Encoding.UTF8.GetString(_error.ToArray());

    /// <summary>Writes the file of defaults.</summary>
    public void Defaults(string text) => File.WriteAllText(Path.Combine(Variables["HOME"], ".xe"), text);

    /// <summary>The path of a file in the working directory.</summary>
    public string File_(string name) => Path.Combine(WorkingDirectory, name);

    public Surroundings Surroundings => new()
    {
        Variables = Variables,
        Input = Input,
        Output = _output,
        Error = _error,
        WorkingDirectory = WorkingDirectory,
        Heartbeat = Heartbeat,
        LocalSocket = LocalSocket,
    };

    public int Run(params string[] arguments) => Client.Run(arguments, Surroundings);

    /// <summary>Runs beside a test that plays the server; the exit status.</summary>
    public async Task<int> Run(string[] arguments, Action server)
    {
        var client = Task.Factory.StartNew(() => Client.Run(arguments, Surroundings), default, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var play = Task.Factory.StartNew(server, default, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await play.WaitAsync(TimeSpan.FromSeconds(120));
        return await client.WaitAsync(TimeSpan.FromSeconds(120));
    }

    public void Dispose() => _directory.Dispose();
}
