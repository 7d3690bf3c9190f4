using Lanyard.Wire;
using Lanyard.Wire.Tests;

namespace Lanyard.Cli.Tests;

public sealed class IdentityCommandTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("node", "node.public")]
    [InlineData("identity.secret", "identity.public")]
    public void A_new_identity_is_written_for_its_owner_alone_and_never_over_another(string file, string publicFile)
    {
        var run = CommandRun.Of("identity", "new", "--out", _folder.PathOf("new", file));
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        using var identity = Identity.Parse(File.ReadAllText(_folder.PathOf("new", file)));
        Assert.True(identity.HasSecret);
        Assert.True(identity.Validate());
        Assert.Equal(identity.ToString(), File.ReadAllText(_folder.PathOf("new", publicFile)));
        Assert.Equal(identity.Address.ToString(), run.Output.Trim());
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder.PathOf("new", file)));

        var secret = File.ReadAllText(_folder.PathOf("new", file));
        var again = CommandRun.Of("identity", "new", "--out", _folder.PathOf("new", file));
        Assert.Equal(ExitCode.Failed, again.ExitCode);
        Assert.Contains(file, again.Error, StringComparison.Ordinal);
        Assert.Equal(secret, File.ReadAllText(_folder.PathOf("new", file)));
    }

    [Theory]
    [InlineData("peer-1.14")]
    [InlineData("peer-1.4.6")]
    public void Recorded_identities_are_shown_and_valid_and_sign_as_the_reference_tool_does(string recording)
    {
        var secret = TestData.PathOf(recording, "a.identity.secret");
        Assert.Equal(TestData.Text(recording, "a.identity.public"), CommandRun.Of("identity", "show", secret).Output.Trim());
        Assert.Equal(ExitCode.Ok, CommandRun.Of("identity", "validate", secret).ExitCode);
        Assert.Equal(ExitCode.Ok, CommandRun.Of("identity", "validate", TestData.Text(recording, "a.identity.public")).ExitCode);

        var message = TestData.PathOf(recording, "signed_message.txt");
        var signature = TestData.Text(recording, "signature.txt");
        Assert.Equal(signature, CommandRun.Of("identity", "sign", secret, message).Output.Trim());
        Assert.Equal(ExitCode.Ok, CommandRun.Of("identity", "verify", TestData.PathOf(recording, "a.identity.public"), message, signature).ExitCode);
        Assert.Equal(ExitCode.Ok, CommandRun.Of("identity", "verify", secret, message, TestData.PathOf(recording, "signature.txt")).ExitCode);
        Assert.Equal(ExitCode.Failed, CommandRun.Of("identity", "verify", TestData.PathOf(recording, "b.identity.public"), message, signature).ExitCode);
        Assert.Equal(ExitCode.Failed, CommandRun.Of("identity", "verify", secret, message, signature[2..]).ExitCode);
        Assert.Equal(ExitCode.Failed, CommandRun.Of("identity", "verify", secret, secret, signature).ExitCode);
    }

    [Fact]
    public void An_identity_error_does_not_contain_the_secret_key()
    {
        var text = TestData.Text("peer-1.14", "a.identity.secret");
        var broken = _folder.PathOf("broken");
        File.WriteAllText(broken, text[..^1]);
        var run = CommandRun.Of("identity", "show", broken);
        Assert.Equal(ExitCode.Failed, run.ExitCode);
        Assert.Contains(broken, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(text[150..170], run.Error, StringComparison.Ordinal);

        File.WriteAllText(broken, (text[0] == '0' ? '1' : '0') + text[1..]);
        Assert.Equal(ExitCode.Failed, CommandRun.Of("identity", "validate", broken).ExitCode);
        var unable = CommandRun.Of("identity", "sign", TestData.PathOf("peer-1.14", "a.identity.public"), broken);
        Assert.Equal(ExitCode.Failed, unable.ExitCode);
        Assert.Contains("secret", unable.Error, StringComparison.Ordinal);
    }
}
