using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using Lanyard.Wire;

namespace Lanyard.Cli.Identities;

/// <summary><c>lanyard identity</c>: creates, shows and checks identities, and signs and verifies with them.</summary>
internal static class IdentityCommand
{
    private const string SecretExtension = ".secret";
    private const string PublicExtension = ".public";

    public static Command Create() => new CliCommand("identity", "Create, show and check identities; sign and verify files")
    {
        CreateNew(),
        CreateShow(),
        CreateValidate(),
        CreateSign(),
        CreateVerify(),
    };

    /// <summary>Reads an identity from a file or, like the protocol's own tool, from its text.</summary>
    /// <exception cref="CommandException">The argument is not an identity.</exception>
    public static Identity Read(string given)
    {
        if (Identity.TryParse(given, out var literal))
            return literal;
        return Identity.TryParse(Files.ReadText(given), out var identity)
            ? identity
            : throw new CommandException(ExitCode.Failed, $"'{given}' is not an identity. The format is address:0:public key[:secret key] in hexadecimal digits.");
    }

    private static CliCommand CreateNew()
    {
        var file = new Option<string>("--out")
        {
            Description = "File for the identity with its secret key, readable by its owner only. The public identity is written to NAME.public for NAME or NAME.secret. "
                + "Existing files are not overwritten.",
            HelpName = "FILE",
            Required = true,
        };
        var json = Parse.JsonOption();
        var command = new CliCommand(
            "new", "Create an identity", "Takes about a second. Writes the address to standard output.", "lanyard identity new --out identity.secret") { file, json };
        command.SetAction((result, cancellation) =>
        {
            var secretFile = result.GetRequiredValue(file);
            var publicFile = (secretFile.EndsWith(SecretExtension, StringComparison.Ordinal) ? secretFile[..^SecretExtension.Length] : secretFile) + PublicExtension;
            Files.RequireNone(secretFile);
            Files.RequireNone(publicFile);
            using var identity = Identity.Generate(RandomNumberGenerator.Fill, cancellation: cancellation);
            Files.Create(secretFile, Encoding.ASCII.GetBytes(identity.ToSecretString()), secret: true);
            Files.Create(publicFile, Encoding.ASCII.GetBytes(identity.ToString()), secret: false);
            var output = result.InvocationConfiguration.Output;
            if (!result.GetValue(json))
            {
                output.WriteLine(identity.Address);
                return Task.FromResult(ExitCode.Ok);
            }

            JsonOutput.WriteLine(output, writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("address", identity.Address.ToString());
                writer.WriteString("identity", identity.ToString());
                writer.WriteString("secretFile", secretFile);
                writer.WriteString("publicFile", publicFile);
                writer.WriteEndObject();
            });
            return Task.FromResult(ExitCode.Ok);
        });
        return command;
    }

    private static CliCommand CreateShow()
    {
        var file = IdentityArgument();
        var json = Parse.JsonOption();
        var command = new CliCommand("show", "Print an identity without its secret key") { file, json };
        command.SetAction(result =>
        {
            using var identity = Read(result.GetRequiredValue(file));
            var output = result.InvocationConfiguration.Output;
            if (!result.GetValue(json))
            {
                output.WriteLine(identity);
                return ExitCode.Ok;
            }

            JsonOutput.WriteLine(output, writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("address", identity.Address.ToString());
                writer.WriteString("identity", identity.ToString());
                writer.WriteBoolean("hasSecret", identity.HasSecret);
                writer.WriteEndObject();
            });
            return ExitCode.Ok;
        });
        return command;
    }

    private static CliCommand CreateValidate()
    {
        var file = IdentityArgument();
        var command = new CliCommand("validate", "Check that the address and the keys of an identity belong together") { file };
        command.SetAction(result =>
        {
            using var identity = Read(result.GetRequiredValue(file));
            if (!identity.Validate())
                throw new CommandException(ExitCode.Failed, $"{identity.Address} is not valid: its address and keys do not belong together.");
            result.InvocationConfiguration.Output.WriteLine($"{identity.Address} is valid.");
            return ExitCode.Ok;
        });
        return command;
    }

    private static CliCommand CreateSign()
    {
        var file = IdentityArgument();
        var message = MessageArgument();
        var command = new CliCommand("sign", "Sign a file", "Writes the signature as hexadecimal digits.") { file, message };
        command.SetAction(result =>
        {
            using var identity = Read(result.GetRequiredValue(file));
            if (!identity.HasSecret)
                throw new CommandException(ExitCode.Failed, $"'{result.GetRequiredValue(file)}' contains no secret key, which signing needs.");
            var signature = identity.Sign(Files.ReadBytes(result.GetRequiredValue(message)));
            result.InvocationConfiguration.Output.WriteLine(Convert.ToHexStringLower(signature));
            return ExitCode.Ok;
        });
        return command;
    }

    private static CliCommand CreateVerify()
    {
        var file = IdentityArgument();
        var message = MessageArgument();
        var signature = new Argument<string>("SIGNATURE") { Description = "Signature in hexadecimal digits, or a file with it." };
        var command = new CliCommand("verify", "Verify the signature of a file", "Exits with 1 if the signature does not belong to the file and the identity.") { file, message, signature };
        command.SetAction(result =>
        {
            using var identity = Read(result.GetRequiredValue(file));
            var bytes = ReadSignature(result.GetRequiredValue(signature));
            if (!identity.Verify(Files.ReadBytes(result.GetRequiredValue(message)), bytes))
                throw new CommandException(ExitCode.Failed, $"The signature of '{result.GetRequiredValue(message)}' is NOT valid for {identity.Address}.");
            result.InvocationConfiguration.Output.WriteLine("The signature is valid.");
            return ExitCode.Ok;
        });
        return command;
    }

    private static byte[] ReadSignature(string given)
    {
        var text = File.Exists(given) ? Files.ReadText(given) : given;
        try
        {
            return Convert.FromHexString(text.AsSpan().Trim());
        }
        catch (FormatException)
        {
            throw new CommandException(ExitCode.Failed, $"'{given}' is neither a signature in hexadecimal digits nor a file with one.");
        }
    }

    private static Argument<string> IdentityArgument() => new("IDENTITY") { Description = "Identity: a file or the identity itself." };

    private static Argument<string> MessageArgument() => new("FILE") { Description = "File; - for standard input." };
}
